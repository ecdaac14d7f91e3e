#pragma once
// Private to the contract suite: one function in each file of cases, called so that the linker
// takes the file out of the library. The cases register themselves.

namespace keepmq::store::testing {

void keep_contract_batches();
void keep_contract_cursors();
void keep_contract_fetch();
void keep_contract_messages();
void keep_contract_state();

}  // namespace keepmq::store::testing
