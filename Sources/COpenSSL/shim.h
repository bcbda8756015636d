#pragma once
#include <openssl/ssl.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <openssl/pem.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

// Macros and typed-stack functions of OpenSSL 3 that do not reach Swift, one line each and without logic.

/// Initialises the library without its configuration file: an environment variable must not be able to load code. It stays
/// usable until the process is gone: cleaned up by `exit` it would fail threads that are still at work then.
static inline int sly_prepare(void) {
  return OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL);
}
/// Admits TLS 1.2 and 1.3 only. 1 on success.
static inline int sly_ctx_set_versions(SSL_CTX *context) {
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) && SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
}
/// Turns renegotiation and compression off.
static inline void sly_ctx_harden(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
}
/// Keeps no session for resumption.
static inline void sly_ctx_forget_sessions(SSL_CTX *context) { SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); }
/// Sets the key exchange groups, colon-separated. 1 on success.
static inline int sly_ctx_set_groups(SSL_CTX *context, const char *groups) { return (int)SSL_CTX_set1_groups_list(context, groups); }
/// Sets the signature algorithms that are offered and accepted, colon-separated. 1 on success.
static inline int sly_ctx_set_sigalgs(SSL_CTX *context, const char *list) { return (int)SSL_CTX_set1_sigalgs_list(context, list); }
/// Appends a certificate to the chain that is sent; takes ownership on success (1).
static inline int sly_ctx_add_chain(SSL_CTX *context, X509 *certificate) { return (int)SSL_CTX_add0_chain_cert(context, certificate); }
/// Lets a write move the caller's buffer between attempts.
static inline void sly_ctx_set_modes(SSL_CTX *context) {
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
}
/// Sends a server name in the handshake. 1 on success.
static inline int sly_ssl_set_server_name(SSL *ssl, const char *name) { return (int)SSL_set_tlsext_host_name(ssl, name); }
/// The group of the key exchange as a number for `SSL_group_to_name`; 0: none.
static inline int sly_ssl_group(SSL *ssl) { return (int)SSL_get_negotiated_group(ssl); }
/// An empty memory BIO reports "try again", never end of file.
static inline void sly_bio_set_retry_when_empty(BIO *bio) { BIO_set_mem_eof_return(bio, -1); }
/// Bytes waiting in a memory BIO.
static inline long sly_bio_pending(BIO *bio) { return (long)BIO_ctrl_pending(bio); }
/// The bytes of a memory BIO, valid until it changes; returns their number.
static inline long sly_bio_data(BIO *bio, char **data) { return BIO_get_mem_data(bio, data); }
/// Number of certificates and lists in a store.
static inline int sly_store_count(X509_STORE *store) { return sk_X509_OBJECT_num(X509_STORE_get0_objects(store)); }
/// Number of certificates in a chain; -1 for none.
static inline int sly_chain_count(const STACK_OF(X509) *chain) { return sk_X509_num(chain); }
/// A certificate of a chain, borrowed.
static inline X509 *sly_chain_at(const STACK_OF(X509) *chain, int index) { return sk_X509_value(chain, index); }
/// Frees a chain and its certificates.
static inline void sly_chain_free(STACK_OF(X509) *chain) { sk_X509_pop_free(chain, X509_free); }
/// Number of names in a list of authorities; -1 for none.
static inline int sly_authorities_count(const STACK_OF(X509_NAME) *list) { return sk_X509_NAME_num(list); }
/// A name of a list of authorities, borrowed.
static inline X509_NAME *sly_authority_at(const STACK_OF(X509_NAME) *list, int index) { return sk_X509_NAME_value(list, index); }
/// The subject alternative names of a certificate, to be freed by the caller; NULL: none or damaged.
static inline GENERAL_NAMES *sly_alternative_names(const X509 *certificate) {
  return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}
/// Number of alternative names.
static inline int sly_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
/// An alternative name, borrowed.
static inline GENERAL_NAME *sly_name_at(const GENERAL_NAMES *names, int index) { return sk_GENERAL_NAME_value(names, index); }
/// The text of an alternative name that is a URI, borrowed; NULL for a name of another kind.
static inline const ASN1_STRING *sly_name_uri(const GENERAL_NAME *name) {
  return name->type == GEN_URI ? name->d.uniformResourceIdentifier : NULL;
}
/// Names on one line, as `openssl x509 -subject` prints them.
static const unsigned long SLY_XN_FLAG_ONELINE = XN_FLAG_ONELINE;
/// Gives the chain that one context sends to another context. 1 on success.
static inline int sly_ctx_copy_chain(SSL_CTX *from, SSL_CTX *to) {
  STACK_OF(X509) *chain = 0;
  return SSL_CTX_get0_chain_certs(from, &chain) && (int)SSL_CTX_set1_chain(to, chain);
}
