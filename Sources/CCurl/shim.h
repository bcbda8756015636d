#pragma once
#include <curl/curl.h>
#include <curl/header.h>

// curl_easy_setopt and curl_easy_getinfo take variable arguments, which Swift cannot pass: one typed function for each
// option that is used, without logic. Strings are copied by libcurl unless the comment says otherwise.

// The request.
static inline CURLcode sly_curl_set_url(CURL *easy, const char *url) { return curl_easy_setopt(easy, CURLOPT_URL, url); }
/// Makes the request a POST of these bytes. They are not copied: they must stay until the handle is gone.
static inline CURLcode sly_curl_set_body(CURL *easy, const void *bytes, long count) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, count);
  return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_POSTFIELDS, bytes) : code;
}
/// The list is not copied: it must stay until the handle is gone.
static inline CURLcode sly_curl_set_headers(CURL *easy, struct curl_slist *list) { return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list); }
static inline CURLcode sly_curl_set_user_agent(CURL *easy, const char *text) { return curl_easy_setopt(easy, CURLOPT_USERAGENT, text); }
static inline CURLcode sly_curl_set_http_1_1(CURL *easy) { return curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1); }

// What it may do.
static inline CURLcode sly_curl_set_protocols(CURL *easy, const char *names) { return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, names); }
static inline CURLcode sly_curl_set_no_redirects(CURL *easy) { return curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L); }
static inline CURLcode sly_curl_set_no_signals(CURL *easy) { return curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L); }
static inline CURLcode sly_curl_set_no_netrc(CURL *easy) { return curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED); }
static inline CURLcode sly_curl_set_no_http09(CURL *easy) { return curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L); }
static inline CURLcode sly_curl_set_no_reuse(CURL *easy) { return curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L); }
static inline CURLcode sly_curl_set_timeout_ms(CURL *easy, long milliseconds) { return curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds); }
static inline CURLcode sly_curl_set_connect_timeout_ms(CURL *easy, long milliseconds) { return curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds); }
/// A transfer slower than so many bytes a second, for so many seconds, ends as one that took too long.
static inline CURLcode sly_curl_set_low_speed(CURL *easy, long bytes, long seconds) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, bytes);
  return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, seconds) : code;
}

// TLS.
static inline CURLcode sly_curl_set_verification(CURL *easy) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) : code;
}
/// Without this, the authorities compiled into libcurl are trusted beside those that its user names.
static inline CURLcode sly_curl_set_no_built_in_trust(CURL *easy) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_CAINFO, (char *)0);
  return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_CAPATH, (char *)0) : code;
}
static inline CURLcode sly_curl_set_no_sessions(CURL *easy) { return curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L); }
/// The callback may set up the SSL_CTX that libcurl has made, once it is otherwise complete.
static inline CURLcode sly_curl_set_tls_callback(CURL *easy, CURLcode (*callback)(CURL *, void *, void *), void *user) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, callback);
  return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, user) : code;
}

// The way there.
/// The empty string means no proxy, whatever the environment says.
static inline CURLcode sly_curl_set_proxy(CURL *easy, const char *url) { return curl_easy_setopt(easy, CURLOPT_PROXY, url); }
static inline CURLcode sly_curl_set_no_proxy(CURL *easy, const char *hosts) { return curl_easy_setopt(easy, CURLOPT_NOPROXY, hosts); }
/// The proxy's certificate and name are verified, by what the callback for TLS contexts puts in, and by no file built in.
static inline CURLcode sly_curl_set_proxy_verification(CURL *easy) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
  return code;
}
/// Header lines for the proxy alone; those for the server never go to it. The list is not copied: it must stay until the
/// handle is gone.
static inline CURLcode sly_curl_set_proxy_headers(CURL *easy, struct curl_slist *list) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
  return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_PROXYHEADER, list) : code;
}
static inline CURLcode sly_curl_set_proxy_tunnel(CURL *easy) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
  return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) : code;
}
static inline CURLcode sly_curl_set_socket_callback(CURL *easy, curl_opensocket_callback callback, void *user) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, callback);
  return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, user) : code;
}

// What comes back.
static inline CURLcode sly_curl_set_write_callback(CURL *easy, curl_write_callback callback, void *user) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, callback);
  return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_WRITEDATA, user) : code;
}
/// The callback is asked about once a second; anything but 0 ends the transfer.
static inline CURLcode sly_curl_set_progress_callback(CURL *easy, curl_xferinfo_callback callback, void *user) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, callback);
  return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_XFERINFODATA, user) : code;
}
/// The buffer has CURL_ERROR_SIZE bytes and must stay until the handle is gone.
static inline CURLcode sly_curl_set_error_buffer(CURL *easy, char *buffer) { return curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, buffer); }
/// The status of the last response; 0 when there was none.
static inline long sly_curl_status(CURL *easy) {
  long value = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &value);
  return value;
}
/// The status of the proxy's answer to CONNECT; 0 when there was none.
static inline long sly_curl_proxy_status(CURL *easy) {
  long value = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &value);
  return value;
}
/// OpenSSL's verdict on the server's certificate; 0 when it was good or there was none.
static inline long sly_curl_verify_result(CURL *easy) {
  long value = 0;
  curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &value);
  return value;
}
/// Seconds that the server asks to wait (Retry-After, in either form); 0 when it does not.
static inline curl_off_t sly_curl_retry_after(CURL *easy) {
  curl_off_t value = 0;
  curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &value);
  return value;
}
/// Whether the connection reached TCP; microseconds, 0 when it did not.
static inline curl_off_t sly_curl_connected_after(CURL *easy) {
  curl_off_t value = 0;
  curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &value);
  return value;
}
/// The value of a header of the last response, valid as long as the handle; null when it is not there.
static inline const char *sly_curl_header(CURL *easy, const char *name) {
  struct curl_header *header = 0;
  return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : 0;
}
