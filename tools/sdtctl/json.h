/* SPDX-License-Identifier: GPL-2.0 */
/* Answers as JSON objects, from which text is made too: the names are the same. */
#ifndef _SDTCTL_JSON_H
#define _SDTCTL_JSON_H

#include <jansson.h>
#include <libmnl/libmnl.h>

json_t *json_node(const struct nlattr *nest);
json_t *json_link(const struct nlattr *nest);
json_t *json_tunnel(const struct nlattr *nest);
json_t *json_channel(const struct nlattr *nest);
json_t *json_event(const struct nlattr *nest);
json_t *json_ping(const struct nlattr *nest);

/** json_print() - one object or list, and a line's end, as the options say */
void json_print(const json_t *value);

/** json_print_word() - what a value looks like in text */
void json_print_word(const json_t *value);

#endif /* _SDTCTL_JSON_H */
