#pragma once

namespace keepmq::app {

/// One descriptor per client: takes what the system allows.
void raise_descriptor_limit();

/// What this program makes may hold payloads: from now on others can read none of it, and the group
/// can write none of it, or less if the caller's umask says so.
void restrict_new_files();

}  // namespace keepmq::app
