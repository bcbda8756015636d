#pragma once
#include <openssl/ssl.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <openssl/pem.h>
#include <openssl/crypto.h>

// Macros and typed-stack functions of OpenSSL 3 that do not reach Swift, one line each and without logic.

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
/// Appends a certificate to the chain that is sent; takes ownership on success (1).
static inline int sly_ctx_add_chain(SSL_CTX *context, X509 *certificate) { return (int)SSL_CTX_add0_chain_cert(context, certificate); }
/// Lets a write move the caller's buffer between attempts.
static inline void sly_ctx_set_modes(SSL_CTX *context) {
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
}
/// Sends a server name in the handshake. 1 on success.
static inline int sly_ssl_set_server_name(SSL *ssl, const char *name) { return (int)SSL_set_tlsext_host_name(ssl, name); }
/// An empty memory BIO reports "try again", never end of file.
static inline void sly_bio_set_retry_when_empty(BIO *bio) { BIO_set_mem_eof_return(bio, -1); }
/// Bytes waiting in a memory BIO.
static inline long sly_bio_pending(BIO *bio) { return (long)BIO_ctrl_pending(bio); }
/// The bytes of a memory BIO, valid until it changes; returns their number.
static inline long sly_bio_data(BIO *bio, char **data) { return BIO_get_mem_data(bio, data); }
/// Number of certificates and lists in a store.
static inline int sly_store_count(X509_STORE *store) { return sk_X509_OBJECT_num(X509_STORE_get0_objects(store)); }
/// Names on one line, as `openssl x509 -subject` prints them.
static const unsigned long SLY_XN_FLAG_ONELINE = XN_FLAG_ONELINE;
