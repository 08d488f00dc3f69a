// SPDX-License-Identifier: GPL-2.0
/* capture: the rules and routes that bring a tunnel datagrams which are not addressed to this host. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "child.h"
#include "sdtctl.h"
#include "words.h"

#define TEXT_MAX	65536		/* of rules; 64 entries of each list are a fifth of it */
#define LINES_MAX	512

static const char *const ip_option[CAPTURE_FAMILIES] = { "-4", "-6" };
static const char *const everywhere[CAPTURE_FAMILIES] = { "0.0.0.0/0", "::/0" };

/* ---- words ------------------------------------------------------------------ */

static int parse_u32(const char *word, const char *value, uint32_t *out)
{
	unsigned long n = 0;
	char *end = NULL;

	errno = 0;
	if (value[0] >= '0' && value[0] <= '9')
		n = strtoul(value, &end, 0);
	if (!end || *end || errno || n < 1 || n > UINT32_MAX)
		return complain("%s '%s': a number from 1 to 4294967295 is wanted", word,
				safe(value));
	*out = n;
	return EXIT_DONE;
}

/* It goes into rules between quotes. */
static int parse_interface(const char *value)
{
	const char *c;

	for (c = value; *c > ' ' && *c <= '~' && !strchr("\"\\/", *c); c++)
		;
	if (*c || !*value || strlen(value) >= IFNAMSIZ)
		return complain("in '%s': an interface's name is wanted; * at its end stands for the rest",
				safe(value));
	return EXIT_DONE;
}

static int add_prefix(const char *word, const char *value, bool ports, struct prefix *list,
		      unsigned int *n)
{
	int err;

	if (*n == CAPTURE_LIST_MAX)
		return complain("%s '%s': more than %u of them", word, safe(value),
				CAPTURE_LIST_MAX);
	err = prefix_parse(word, value, &list[*n]);
	if (!err && list[*n].ports && !ports)
		err = complain("%s '%s': a prefix without ports is wanted", word, safe(value));
	if (!err)
		++*n;
	return err;
}

static int parse_word(struct capture *c, const char *word, const char *value)
{
	int err;

	if (!strcmp(word, "from"))
		return add_prefix(word, value, false, c->from, &c->froms);
	if (!strcmp(word, "to"))
		return add_prefix(word, value, true, c->to, &c->tos);
	if (!strcmp(word, "except"))
		return add_prefix(word, value, false, c->except, &c->excepts);
	if (!strcmp(word, "mark"))
		return parse_u32(word, value, &c->way.mark);
	if (!strcmp(word, "table"))
		return parse_u32(word, value, &c->way.table);
	if (!strcmp(word, "priority"))
		return parse_u32(word, value, &c->way.priority);
	if (strcmp(word, "in"))
		return complain("capture: unknown word '%s': see sdtctl help capture", safe(word));
	if (c->ins == CAPTURE_LIST_MAX)
		return complain("in '%s': more than %u of them", safe(value), CAPTURE_LIST_MAX);
	err = parse_interface(value);
	if (!err)
		c->in[c->ins++] = value;
	return err;
}

static int parse_words(struct capture *c, int argc, char **argv)
{
	int i, err = EXIT_DONE;

	for (i = 0; !err && i < argc; i += 2) {
		if (i + 1 == argc)
			return complain("capture: the value of '%s' is missing", safe(argv[i]));
		err = parse_word(c, argv[i], argv[i + 1]);
	}
	/* the system's own: local, main, default, and none */
	if (!err && ((c->way.table >= 253 && c->way.table <= 255) || !c->way.table))
		err = complain("table '%u': that one is the system's", c->way.table);
	return err;
}

/* ---- what the module knows ---------------------------------------------------- */

struct facts {
	struct capture *c;
	char link[SDT_NAME_LEN];
	unsigned int mode, role, client_address;
	uint32_t fwmark;		/* of the node's own packets */
};

/* Return: AF_INET, AF_INET6, or AF_UNSPEC where no address was said. */
static int endpoint(const struct nlattr *nest, unsigned char *ip, uint16_t *port)
{
	const struct nlattr *tb[SDT_A_ENDPOINT_MAX + 1];
	const void *ip4, *ip6;

	nl_parse_nest(nest, tb, SDT_A_ENDPOINT_MAX);
	if (tb[SDT_A_ENDPOINT_PORT])
		*port = ntohs(nl_number(tb[SDT_A_ENDPOINT_PORT]));
	ip4 = nl_bytes(tb[SDT_A_ENDPOINT_IPV4], 4);
	ip6 = nl_bytes(tb[SDT_A_ENDPOINT_IPV6], 16);
	if (ip4)
		memcpy(ip, ip4, 4);
	else if (ip6)
		memcpy(ip, ip6, 16);
	return ip4 ? AF_INET : ip6 ? AF_INET6 : AF_UNSPEC;
}

static int got_tunnel(const struct nlattr *const *attrs, void *arg)
{
	const struct nlattr *tb[SDT_A_TUNNEL_MAX + 1];
	struct facts *facts = arg;
	struct capture *c = facts->c;
	int family;

	if (!attrs[SDT_A_TUNNEL])
		return EXIT_DONE;
	nl_parse_nest(attrs[SDT_A_TUNNEL], tb, SDT_A_TUNNEL_MAX);
	if (tb[SDT_A_TUNNEL_MODE])
		facts->mode = nl_number(tb[SDT_A_TUNNEL_MODE]);
	if (tb[SDT_A_TUNNEL_ROLE])
		facts->role = nl_number(tb[SDT_A_TUNNEL_ROLE]);
	if (tb[SDT_A_TUNNEL_LINK])
		snprintf(facts->link, sizeof(facts->link), "%s",
			 nl_string(tb[SDT_A_TUNNEL_LINK]));
	if (tb[SDT_A_TUNNEL_CLIENT_ADDRESS])
		facts->client_address = nl_number(tb[SDT_A_TUNNEL_CLIENT_ADDRESS]);
	if (!tb[SDT_A_TUNNEL_LISTEN])
		return EXIT_DONE;
	family = endpoint(tb[SDT_A_TUNNEL_LISTEN], c->listen, &c->port);
	c->family[CAPTURE_V4] = family != AF_INET6;
	c->family[CAPTURE_V6] = family != AF_INET;
	return EXIT_DONE;
}

static void add_peer(struct capture *c, const struct nlattr *nest)
{
	unsigned int n = c->peers;

	if (!nest)
		return;
	c->peer[n].family = endpoint(nest, c->peer[n].ip, &c->peer[n].port);
	if (c->peer[n].family == AF_UNSPEC || (n && !memcmp(&c->peer[0], &c->peer[1],
							    sizeof(c->peer[0]))))
		return;
	c->peers++;
}

static int got_link(const struct nlattr *const *attrs, void *arg)
{
	const struct nlattr *tb[SDT_A_LINK_MAX + 1];
	struct facts *facts = arg;

	if (!attrs[SDT_A_LINK])
		return EXIT_DONE;
	nl_parse_nest(attrs[SDT_A_LINK], tb, SDT_A_LINK_MAX);
	add_peer(facts->c, tb[SDT_A_LINK_PEER]);
	add_peer(facts->c, tb[SDT_A_LINK_ENDPOINT]);
	return EXIT_DONE;
}

static int got_node(const struct nlattr *const *attrs, void *arg)
{
	const struct nlattr *tb[SDT_A_NODE_MAX + 1];
	struct facts *facts = arg;

	if (!attrs[SDT_A_NODE])
		return EXIT_DONE;
	nl_parse_nest(attrs[SDT_A_NODE], tb, SDT_A_NODE_MAX);
	if (tb[SDT_A_NODE_FWMARK])
		facts->fwmark = nl_number(tb[SDT_A_NODE_FWMARK]);
	return EXIT_DONE;
}

static int ask(int cmd, unsigned int nest_type, unsigned int name_attr, const char *name,
	       nl_handler handler, struct facts *facts)
{
	struct nl_request req = { 0 };
	struct nlattr *nest;
	int err = EXIT_DONE;

	nl_request_init(&req, cmd, "capture");
	if (name) {
		nest = mnl_attr_nest_start(&req.nlh, nest_type);
		err = words_put_name(&req, name_attr, "capture", name);
		mnl_attr_nest_end(&req.nlh, nest);
	}
	return err ?: nl_talk(&req, handler, facts);
}

/* Two kinds of tunnels want what is not addressed to this host. */
static int check_kind(const struct facts *facts)
{
	struct capture *c = facts->c;

	if (facts->mode == SDT_MODE_ROUTER && facts->role == SDT_ROLE_PROXY)
		return EXIT_DONE;
	c->answers = facts->mode == SDT_MODE_SERVER && facts->role == SDT_ROLE_SERVER &&
		     facts->client_address == SDT_CLIENT_TRANSPARENT;
	if (!c->answers)
		return complain("capture '%s': for the proxy role of mode router, and the server role of mode server with client-address transparent",
				safe(c->tunnel));
	if (c->froms || c->tos || c->excepts)
		return complain("capture '%s': from, to and except belong to mode router",
				safe(c->tunnel));
	/* Both, as the target may become one of the other. */
	c->family[CAPTURE_V4] = c->family[CAPTURE_V6] = true;
	return EXIT_DONE;
}

static int learn(struct capture *c)
{
	struct facts facts = { .c = c };
	int err;

	err = nl_open(false) ?:
	      ask(SDT_CMD_TUNNEL_GET, SDT_A_TUNNEL, SDT_A_TUNNEL_NAME, c->tunnel, got_tunnel,
		  &facts);
	err = err ?: check_kind(&facts);
	if (err)
		return err;
	err = ask(SDT_CMD_LINK_GET, SDT_A_LINK, SDT_A_LINK_NAME, facts.link, got_link, &facts) ?:
	      ask(SDT_CMD_NODE_GET, 0, 0, NULL, got_node, &facts);
	if (err)
		return err;
	if (facts.fwmark == c->way.mark)
		return complain("mark '0x%x': the node's own packets have it (set-node fwmark), and would be captured",
				c->way.mark);
	if (!capture_serves(c, CAPTURE_V4) && !capture_serves(c, CAPTURE_V6))
		return complain("capture '%s': from, to and listen have no address family in common",
				safe(c->tunnel));
	return EXIT_DONE;
}

/* ---- what is installed ------------------------------------------------------- */

/* Return: what @argv says has something in it. */
static bool says(const char *const *argv)
{
	char line[256] = "";
	const struct child child = {
		.argv = argv,
		.output = line,
		.output_size = sizeof(line),
		.quiet = true,
	};

	return !child_run(&child) && line[strspn(line, " \n")];
}

/* The number as ip and nft take it. Up to 8 results live at once. */
static const char *number(uint32_t n)
{
	static char ring[8][12];
	static unsigned int next;
	char *out = ring[next++ % 8];

	snprintf(out, sizeof(ring[0]), "%" PRIu32, n);
	return out;
}

static bool has_rule(enum capture_family f, const struct capture_way *way)
{
	const char *const argv[] = {
		"ip", ip_option[f], "rule", "show", "priority", number(way->priority), "fwmark",
		number(way->mark), "table", number(way->table), NULL,
	};

	return says(argv);
}

static bool has_route(enum capture_family f, const struct capture_way *way)
{
	const char *const argv[] = {
		"ip", ip_option[f], "route", "show", "table", number(way->table), "type", "local",
		NULL,
	};

	return says(argv);
}

/* Return: what is in the nft table, for the caller to free; NULL: there is none. */
static char *installed_rules(const struct capture *c)
{
	const char *const argv[] = { "nft", "list", "table", "inet", c->nft_table, NULL };
	struct child child = {
		.argv = argv,
		.output = malloc(TEXT_MAX),
		.output_size = TEXT_MAX,
		.quiet = true,
	};

	if (child.output && !child_run(&child))
		return child.output;
	free(child.output);
	return NULL;
}

/* ---- policy rule and route ------------------------------------------------------ */

/* Lines for ip -batch: what is missing of @way, or what is there of it. */
static void way_lines(char *out, size_t size, enum capture_family f, const struct capture_way *way,
		      bool add)
{
	const char *verb = add ? "add" : "del";
	size_t n = 0;

	out[0] = '\0';
	if (has_route(f, way) != add)
		n = snprintf(out, size, "route %s local %s dev lo table %" PRIu32 "\n", verb,
			     everywhere[f], way->table);
	if (has_rule(f, way) != add)
		snprintf(out + n, size - n,
			 "rule %s priority %" PRIu32 " fwmark 0x%08" PRIx32 " lookup %" PRIu32 "\n",
			 verb, way->priority, way->mark, way->table);
}

static int ip_batch(enum capture_family f, const char *lines, bool quiet)
{
	const char *const plain[] = { "ip", ip_option[f], "-batch", "-", NULL };
	const char *const force[] = { "ip", ip_option[f], "-force", "-batch", "-", NULL };
	const struct child child = {
		.argv = quiet ? force : plain,
		.input = lines,
		.quiet = quiet,
	};

	return lines[0] ? child_run(&child) : 0;
}

/* What @lines added goes again, as far as it came. */
static void way_undo(enum capture_family f, const char *lines)
{
	char undo[LINES_MAX];
	const char *from;
	char *to = undo;

	for (from = lines; *from;) {
		if (!strncmp(from, " add ", 5)) {
			to = stpcpy(to, " del ");
			from += 5;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
	ip_batch(f, undo, true);
}

static void way_remove(const struct capture_way *way)
{
	char lines[LINES_MAX];
	int f;

	for (f = 0; f < CAPTURE_FAMILIES; f++) {
		way_lines(lines, sizeof(lines), f, way, false);
		ip_batch(f, lines, true);
	}
}

/* ---- print, install, remove ------------------------------------------------------ */

static char *rules_text(const struct capture *c)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	capture_nft(c, out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* As a script that does what install does. */
static int print(const struct capture *c)
{
	int f;

	printf("nft -f - <<'END'\n");
	capture_nft(c, stdout);
	printf("END\n");
	for (f = 0; f < CAPTURE_FAMILIES; f++)
		if (capture_serves(c, f))
			printf("ip %s -batch - <<'END'\n"
			       "route add local %s dev lo table %" PRIu32 "\n"
			       "rule add priority %" PRIu32 " fwmark 0x%08" PRIx32 " lookup %" PRIu32 "\n"
			       "END\n", ip_option[f], everywhere[f], c->way.table, c->way.priority,
			       c->way.mark, c->way.table);
	return EXIT_DONE;
}

static int failed(const char *program, int code)
{
	if (code == 127)
		return complain("capture: there is no program %s here", program);
	return complain("capture: %s failed (exit code %d): nothing was changed", program, code);
}

static bool same_way(const struct capture_way *a, const struct capture_way *b)
{
	return a->mark == b->mark && a->table == b->table && a->priority == b->priority;
}

/* Routes first, then the rules that mark: no datagram is ever marked in vain. */
static int install(const struct capture *c)
{
	const char *const argv[] = { "nft", "-f", "-", NULL };
	char *text = rules_text(c), *before = installed_rules(c);
	char lines[CAPTURE_FAMILIES][LINES_MAX] = { "", "" };
	struct child nft = { .argv = argv, .input = text };
	const char *program = "ip";
	struct capture_way old;
	int f, code = 0;

	if (!text)
		return complain("capture: out of memory");
	for (f = 0; !code && f < CAPTURE_FAMILIES; f++) {
		if (!capture_serves(c, f))
			continue;
		way_lines(lines[f], sizeof(lines[f]), f, &c->way, true);
		code = ip_batch(f, lines[f], false);
	}
	if (!code) {
		program = "nft";
		code = child_run(&nft);
	}
	if (code) {
		for (f = 0; f < CAPTURE_FAMILIES; f++)
			way_undo(f, lines[f]);
	} else if (before && capture_way_of(before, &old) && !same_way(&old, &c->way)) {
		way_remove(&old);
	}
	free(text);
	free(before);
	return code ? failed(program, code) : EXIT_DONE;
}

/* It needs no tunnel: that may be gone already. What is installed says what its way was. */
static int uninstall(struct capture *c)
{
	const char *const argv[] = { "nft", "delete", "table", "inet", c->nft_table, NULL };
	const char *const list_argv[] = { "nft", "list", "tables", NULL };
	const struct child nft = { .argv = argv };
	/* So that a table which cannot be seen is not taken for one that is not there. */
	const struct child list = {
		.argv = list_argv,
		.output = (char [2]){ "" },
		.output_size = 2,
	};
	char *before = installed_rules(c);
	struct capture_way way = c->way;
	int code = 0;

	if (before) {
		capture_way_of(before, &way);
		code = child_run(&nft);
	}
	else
		code = child_run(&list);
	free(before);
	if (code)
		return failed("nft", code);
	way_remove(&way);
	return EXIT_DONE;
}

static int run_capture(int argc, char **argv)
{
	struct capture c = { 0 };
	int err;

	if (!argc)
		return complain("capture: the tunnel's name is missing");
	if (argc == 1)
		return complain("capture: print, install or remove is missing");
	if (!argv[0][0] || strlen(argv[0]) >= SDT_NAME_LEN)
		return complain("capture '%s': that is no name of a tunnel", safe(argv[0]));
	c.tunnel = argv[0];
	capture_names(&c);
	err = parse_words(&c, argc - 2, argv + 2);
	if (err)
		return err;
	if (!strcmp(argv[1], "remove"))
		return uninstall(&c);
	if (strcmp(argv[1], "print") && strcmp(argv[1], "install"))
		return complain("capture '%s': print, install or remove is wanted", safe(argv[1]));
	err = learn(&c);
	if (err)
		return err;
	return strcmp(argv[1], "print") ? install(&c) : print(&c);
}

VERB(capture,
	.name = "capture",
	.usage = "TUNNEL print|install [in IFNAME]... [from PREFIX]... [to PREFIX[:PORTS]]...\n"
		 "        [except PREFIX]... [mark N] [table N] [priority N]\n"
		 "   or: capture TUNNEL remove",
	.help = "nft rules and policy routes that bring a tunnel what is not addressed to this host",
	.run = run_capture);
