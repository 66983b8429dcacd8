// The precompiled header needs a target that owns it.
#include "support/test_header.hpp"
