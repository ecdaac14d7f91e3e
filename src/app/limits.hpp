#pragma once

namespace keepmq::app {

/// One descriptor per client: takes what the system allows.
void raise_descriptor_limit();

}  // namespace keepmq::app
