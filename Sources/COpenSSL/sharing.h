#pragma once
#include <openssl/ssl.h>

// What is needed to give the settings of one SSL_CTX to another, one line each and without logic.

/// The ciphers that a context offers; the list stays the context's.
static inline int sly_ctx_cipher_count(SSL_CTX *context) { return sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(context)); }
/// One of them; null beyond the end.
static inline const SSL_CIPHER *sly_ctx_cipher(SSL_CTX *context, int index) { return sk_SSL_CIPHER_value(SSL_CTX_get_ciphers(context), index); }
/// Gives the chain that one context sends to another context. 1 on success.
static inline int sly_ctx_copy_chain(SSL_CTX *from, SSL_CTX *to) {
  STACK_OF(X509) *chain = 0;
  return SSL_CTX_get0_chain_certs(from, &chain) && (int)SSL_CTX_set1_chain(to, chain);
}
