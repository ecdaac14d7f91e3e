#pragma once

namespace keepmq::app {

/// One descriptor per client: takes what the system allows.
void raise_descriptor_limit();

/// What this program makes may hold payloads: from now on others can read none of it, and the group
/// can write none of it, or less if the caller's umask says so.
void restrict_new_files();

/// Buffers come and go with every turn of the loop. By default the allocator would give the larger
/// ones back to the system each time, and each time the system would clear them again, page by
/// page: some megabytes stay instead. Before the first thread.
void keep_freed_memory();

}  // namespace keepmq::app
