#pragma once
#include <zlib.h>

/// `deflateInit2` and `inflateInit2` are macros that add the header's version and the size of the struct.
static inline int sly_deflate_init_gzip(z_stream *stream) {
  return deflateInit2(stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
/// Accepts the gzip format only (15 bits of window, plus 16).
static inline int sly_inflate_init_gzip(z_stream *stream) { return inflateInit2(stream, 15 + 16); }
