// SPDX-License-Identifier: GPL-2.0
/*
 * AEAD jobs: one request each, both ciphers, synchronous and asynchronous
 * completion through the kernel's crypto API.
 *
 * A job is taken from a per-CPU slot with an exchange, so it belongs to one
 * context whatever preempts it, and goes back the same way when the cipher
 * completed at once, which is the rule. An asynchronous completion frees it.
 * Each job holds its keypair's reference while the cipher may touch the keys.
 */
#include <crypto/aead.h>
#include <linux/moduleparam.h>
#include <linux/scatterlist.h>

#include "compat/compat.h"
#include "lane.h"
#include "link.h"

#define SDT_COPY_BREAK	256	/* bodies up to this are copied: one sg entry beats three */
#define SDT_JOB_SG	6	/* header, linear part, a few fragments; beyond: copied */

struct sdt_job {
	struct sdt_keypair *kp;
	struct sdt_lane *lane;		/* seal */
	struct sk_buff *skb;		/* the message */
	struct sk_buff *src;		/* seal out of place: what is read; else NULL */
	unsigned int reqsize;		/* room behind req */
	u8 tos;
	bool has_to;
	struct sdt_tx_to to;
	u8 iv[SDT_NONCE_LEN];
	u8 head[SDT_DATA_HDR_LEN + SDT_FRAME_HDR_MAX];
	struct scatterlist sg[SDT_JOB_SG];
	struct scatterlist dst;
	struct aead_request req CRYPTO_MINALIGN_ATTR;	/* last: its context follows */
};

static DEFINE_PER_CPU(struct sdt_job *, job_slot);

static bool test_async;
module_param(test_async, bool, 0444);
MODULE_PARM_DESC(test_async, "For tests only: every cipher operation completes asynchronously, through cryptd");

/*
 * Mask 0: asking for synchronous implementations only would choose the slow
 * generic GCM on x86; completion is dealt with either way.
 */
static struct crypto_aead *find_cipher(u8 suite)
{
	const char *name = suite == SDT_SUITE_AESGCM ? "gcm(aes)" : "rfc7539(chacha20,poly1305)";
	/* cryptd refuses to wrap what may be asynchronous by itself */
	struct crypto_aead *tfm = crypto_alloc_aead(name, 0, test_async ? CRYPTO_ALG_ASYNC : 0);
	char async[CRYPTO_MAX_ALG_NAME];

	if (!test_async || IS_ERR(tfm))
		return tfm;
	/* cryptd answers to the name of the driver that it wraps */
	if (snprintf(async, sizeof(async), "cryptd(%s)",
		     crypto_tfm_alg_driver_name(crypto_aead_tfm(tfm))) >= sizeof(async)) {
		crypto_free_aead(tfm);
		return ERR_PTR(-ENAMETOOLONG);
	}
	crypto_free_aead(tfm);
	return crypto_alloc_aead(async, 0, 0);
}

/**
 * sdt_aead_alloc() - transform for one direction of a keypair
 * @suite: enum sdt_suite
 * @key: SDT_KEY_LEN bytes
 *
 * Context: process. Return: transform, keyed, or ERR_PTR.
 */
struct crypto_aead *sdt_aead_alloc(u8 suite, const u8 *key)
{
	struct crypto_aead *tfm = find_cipher(suite);
	int err;

	if (IS_ERR(tfm)) {
		net_warn_ratelimited("sdt: the kernel has no cipher for suite %u: error %ld\n", suite,
				     PTR_ERR(tfm));
		return tfm;
	}
	err = crypto_aead_setkey(tfm, key, SDT_KEY_LEN);
	if (!err)
		err = crypto_aead_setauthsize(tfm, SDT_TAG_LEN);
	if (err) {
		crypto_free_aead(tfm);
		return ERR_PTR(err);
	}
	return tfm;
}

static struct sdt_job *job_get(struct sdt_keypair *kp, struct crypto_aead *tfm)
{
	unsigned int reqsize = crypto_aead_reqsize(tfm);
	struct sdt_job *job = this_cpu_xchg(job_slot, NULL);

	if (unlikely(!job || job->reqsize < reqsize)) {
		kfree_sensitive(job);
		job = kmalloc(sizeof(*job) + reqsize, GFP_ATOMIC | __GFP_NOWARN);
		if (!job)
			return NULL;
		job->reqsize = reqsize;
	}
	percpu_ref_get(&kp->ref);
	job->kp = kp;
	return job;
}

static void job_put(struct sdt_job *job)
{
	struct sdt_job *old;

	percpu_ref_put(&job->kp->ref);
	old = this_cpu_xchg(job_slot, job);
	kfree_sensitive(old);
}

/* Noise's nonce: 4 zero bytes, then 64 bits; the ciphers disagree on their order. */
static void write_iv(u8 iv[SDT_NONCE_LEN], u8 suite, u8 lane, u32 counter)
{
	u64 nonce = (u64)lane << 56 | counter;
	union {
		__be64 be;
		__le64 le;
	} n;

	if (suite == SDT_SUITE_AESGCM)
		n.be = cpu_to_be64(nonce);
	else
		n.le = cpu_to_le64(nonce);
	memset(iv, 0, 4);
	memcpy(iv + 4, &n, 8);
}

static void seal_done(void *data, int err)
{
	struct sdt_job *job = data;
	struct sdt_link *link = job->lane->link;

	if (err == -EINPROGRESS)
		return;
	local_bh_disable();
	rcu_read_lock();
	sdt_stat_inc(link->stats, SDT_STAT_ASYNC_CRYPTO);
	consume_skb(job->src);
	/* a keypair that was dropped meanwhile: nothing leaves under it any more */
	if (err || percpu_ref_is_dying(&job->kp->ref))
		sdt_drop(link->stats, SDT_DROP_TX_CRYPTO, job->skb);
	else
		sdt_lane_out(job->lane, job->skb, job->tos, job->has_to ? &job->to : NULL);
	/* the keypair keeps lane and link alive until here */
	percpu_ref_put(&job->kp->ref);
	kfree_sensitive(job);
	rcu_read_unlock();
	local_bh_enable();
}

SDT_AEAD_DONE(seal_done)

/*
 * Source list: what the message already has, from the job's copy (a received
 * skb is never written, and the two lists must not share memory), then the
 * body where it lies.
 */
static int map_source(struct sdt_job *job, struct sk_buff *out, struct sk_buff *src)
{
	unsigned int have = out->len;
	int n;

	if (src->len <= SDT_COPY_BREAK || skb_has_frag_list(src) || have > sizeof(job->head) ||
	    skb_shinfo(src)->nr_frags > SDT_JOB_SG - 2)
		return 0;
	memcpy(job->head, out->data, have);
	sg_init_table(job->sg, SDT_JOB_SG);
	sg_set_buf(&job->sg[0], job->head, have);
	n = skb_to_sgvec(src, &job->sg[1], 0, src->len);
	return n > 0 ? n : 0;
}

int sdt_seal(struct sdt_lane *lane, struct sdt_keypair *kp, u32 counter,
	     const struct sdt_seal_parts *p)
{
	struct sk_buff *out = p->out, *src = p->src;
	unsigned int have = out->len, body = src ? src->len : 0;
	unsigned int plain = have - SDT_DATA_HDR_LEN + body;
	struct sdt_job *job;
	int err;

	job = job_get(kp, kp->seal);
	if (unlikely(!job))
		return -ENOMEM;
	job->lane = lane;
	job->skb = out;
	job->tos = p->tos;
	job->src = NULL;
	job->has_to = p->to;
	if (p->to)
		job->to = *p->to;
	write_iv(job->iv, kp->suite, lane->index, counter);

	aead_request_set_tfm(&job->req, kp->seal);
	aead_request_set_callback(&job->req, 0, seal_done_cb, job);
	aead_request_set_ad(&job->req, SDT_DATA_HDR_LEN);
	sg_init_one(&job->dst, out->data, have + body + SDT_TAG_LEN);
	if (src && map_source(job, out, src)) {
		job->src = src;
		aead_request_set_crypt(&job->req, job->sg, &job->dst, plain, job->iv);
	} else {
		if (src && skb_copy_bits(src, 0, skb_tail_pointer(out), body)) {
			job_put(job);
			return -EFAULT;
		}
		aead_request_set_crypt(&job->req, &job->dst, &job->dst, plain, job->iv);
	}
	skb_put(out, body + SDT_TAG_LEN);
	if (src && !job->src)
		consume_skb(src);

	err = crypto_aead_encrypt(&job->req);
	if (err == -EINPROGRESS)
		return err;
	/*
	 * From here the cipher is done with the job. @src was consumed or is
	 * consumed now; on error @out is dropped here too, so that the caller
	 * need not know how far it went.
	 */
	consume_skb(job->src);
	job_put(job);
	if (unlikely(err)) {
		sdt_drop(lane->link->stats, SDT_DROP_TX_CRYPTO, out);
		return -EIO;
	}
	return 0;
}

static void open_done(void *data, int err)
{
	struct sdt_job *job = data;

	if (err == -EINPROGRESS)
		return;
	local_bh_disable();
	rcu_read_lock();
	sdt_stat_inc(job->kp->link->stats, SDT_STAT_ASYNC_CRYPTO);
	sdt_link_opened(job->kp, job->skb, err);
	percpu_ref_put(&job->kp->ref);
	kfree_sensitive(job);
	rcu_read_unlock();
	local_bh_enable();
}

SDT_AEAD_DONE(open_done)

int sdt_open(struct sdt_keypair *kp, struct sk_buff *skb)
{
	const struct sdt_rx_cb *cb = sdt_rx_cb(skb);
	struct sdt_job *job;
	int err;

	job = job_get(kp, kp->open);
	if (unlikely(!job))
		return -ENOMEM;
	job->skb = skb;
	write_iv(job->iv, kp->suite, cb->lane, cb->counter);
	aead_request_set_tfm(&job->req, kp->open);
	aead_request_set_callback(&job->req, 0, open_done_cb, job);
	aead_request_set_ad(&job->req, SDT_DATA_HDR_LEN);
	sg_init_one(&job->dst, skb->data, skb->len);
	aead_request_set_crypt(&job->req, &job->dst, &job->dst, skb->len - SDT_DATA_HDR_LEN,
			       job->iv);
	err = crypto_aead_decrypt(&job->req);
	if (err != -EINPROGRESS)
		job_put(job);
	return err;
}

/** sdt_seal_exit() - module exit, when nothing can seal or open any more */
void sdt_seal_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		kfree_sensitive(per_cpu(job_slot, cpu));
		per_cpu(job_slot, cpu) = NULL;
	}
}
