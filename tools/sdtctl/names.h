/* SPDX-License-Identifier: GPL-2.0 */
/* Enumerations of the netlink contract and their names, as in sdt.yaml. */
#ifndef _SDTCTL_NAMES_H
#define _SDTCTL_NAMES_H

struct name {
	unsigned int value;
	const char *name;	/* NULL ends a list */
};

extern const struct name reset_names[];
extern const struct name cipher_names[];
extern const struct name link_state_names[];
extern const struct name mode_names[];
extern const struct name role_names[];
extern const struct name at_limit_names[];
extern const struct name idle_refresh_names[];
extern const struct name client_address_names[];
extern const struct name filter_names[];
extern const struct name event_names[];
extern const struct name close_names[];
extern const struct name refuse_names[];

/** name_of() - NULL: this tool does not know it */
const char *name_of(const struct name *list, unsigned int value);

#endif /* _SDTCTL_NAMES_H */
