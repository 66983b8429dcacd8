// The one precompiled header of train/: torch/torch.h costs 13-19 s a file, 5-7 s with it.
#pragma once

#include <torch/torch.h>
