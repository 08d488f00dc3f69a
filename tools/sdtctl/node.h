/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SDTCTL_NODE_H
#define _SDTCTL_NODE_H

/** node_ensure_key() - before an add: a node without a key gets the installed one */
int node_ensure_key(void);

#endif /* _SDTCTL_NODE_H */
