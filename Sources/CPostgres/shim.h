#pragma once
#include <libpq-fe.h>

/* Field codes are character literals, which do not import. */
static const int SLY_PG_DIAG_SQLSTATE = PG_DIAG_SQLSTATE;
static const int SLY_PG_DIAG_SEVERITY = PG_DIAG_SEVERITY_NONLOCALIZED;
static const int SLY_PG_DIAG_MESSAGE_PRIMARY = PG_DIAG_MESSAGE_PRIMARY;
static const int SLY_PG_DIAG_MESSAGE_DETAIL = PG_DIAG_MESSAGE_DETAIL;
static const int SLY_PG_DIAG_MESSAGE_HINT = PG_DIAG_MESSAGE_HINT;
static const int SLY_PG_DIAG_STATEMENT_POSITION = PG_DIAG_STATEMENT_POSITION;
