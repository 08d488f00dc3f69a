// SPDX-License-Identifier: GPL-2.0
#include "../unit/test_reasm.c"
