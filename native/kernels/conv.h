// Convolution of channels-last images and its two gradients. See ConvShape in args.h for the geometry.
// Each is a product of the GEMM driver that copies windows of the image into its panels, or a kernel of its own where every channel has its
// own weights (depthwise), with the numbers that gemm.h promises either way: the bits depend on the sizes alone. A tap outside the image
// takes part as x = 0, so an infinite or NaN weight shows there as NaN.
// 3×3 kernels with stride 1 are also there by transforms, as instructions of their own: see conv/winograd.h.
#pragma once
#include "conv/backward_data.h"
#include "conv/backward_weights.h"
#include "conv/forward.h"
#include "conv/winograd.h"
