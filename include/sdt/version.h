/* SPDX-License-Identifier: GPL-2.0 */
/* The one place where the version is; dkms.conf repeats it and tests/lint compares. */
#ifndef _SDT_VERSION_H
#define _SDT_VERSION_H

#define SDT_VERSION	"0.1.0"

#endif /* _SDT_VERSION_H */
