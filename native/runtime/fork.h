#pragma once

namespace lanewise {

// Has `forget` called in a child of fork() before anything else there: the child has none of its parent's threads, so what stands for
// them must go. Returns false where that cannot be had, as on Windows, which has no fork.
bool call_in_forked_child(void (*forget)());

}  // namespace lanewise
