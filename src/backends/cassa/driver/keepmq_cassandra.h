/* C interface of the driver in src/. Values travel as the bytes of the CQL protocol.
 *
 * A call that has a `done` returns at once. `done` runs exactly once, on a thread of the driver, also
 * when the driver panics or the scope is cancelled; it must not block. All arguments are copied. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct KmScope KmScope;
typedef struct KmSession KmSession;
typedef struct KmStatement KmStatement;
typedef struct KmResult KmResult;

/* Not terminated; `data` may be null when `size` is 0. */
typedef struct {
    const char* data;
    size_t size;
} KmText;

enum { KM_NULL = -1, KM_UNSET = -2 };
/* A size below 0 is KM_NULL or KM_UNSET. */
typedef struct {
    const char* data;
    int32_t size;
} KmValue;

enum {
    KM_OK = 0,
    KM_UNREACHABLE = 1, /* no connection */
    KM_LOST = 2,        /* the connection broke under way */
    KM_TIMED_OUT = 3,   /* what became of it is not known */
    KM_BUSY = 4,        /* too few replicas, overload: not done, or harmless to repeat */
    KM_LOGIN = 5,       /* wrong user, password or keyspace */
    KM_FORBIDDEN = 6,   /* the user may not do this */
    KM_SYNTAX = 7,
    KM_INVALID = 8,     /* unknown table or column, a value that does not fit */
    KM_FAILED = 9,      /* the server or the driver failed at it */
    KM_INTERRUPTED = 10
};

typedef void (*KmDone)(void* context, size_t tag, KmResult* result);

/* What one thread has under way. After cancel(), from any thread, everything under way ends soon with
 * KM_INTERRUPTED, and so does what is started later, until reset(). */
KmScope* km_scope_new(void);
void km_scope_cancel(const KmScope* scope);
void km_scope_reset(const KmScope* scope);
void km_scope_free(KmScope* scope);

typedef struct {
    const KmText* nodes; /* host:port */
    size_t node_count;
    KmText username; /* empty: no login */
    KmText password;
    KmText keyspace; /* empty: none */
    KmText consistency; /* LOCAL_QUORUM, ONE, ... */
    uint32_t connect_timeout_ms;
    uint32_t request_timeout_ms;
    uint32_t connections; /* to each node */
    uint8_t tls;
    uint8_t verify;
    KmText ca_file;
    KmText cert_file;
    KmText key_file;
} KmOptions;

void km_connect(const KmOptions* options, const KmScope* scope, KmDone done, void* context, size_t tag);
void km_session_free(KmSession* session);

/* Runs text without values. */
void km_query(const KmSession* session, const KmScope* scope, KmText cql, KmDone done, void* context, size_t tag);

/* `idempotent`: may be sent again, to another node, when its outcome is not known. */
void km_prepare(const KmSession* session, const KmScope* scope, KmText cql, uint8_t idempotent, KmDone done,
                void* context, size_t tag);
void km_statement_free(KmStatement* statement);
size_t km_statement_values(const KmStatement* statement);
/* Number of the type in the CQL protocol; 0: another type. */
uint16_t km_statement_type(const KmStatement* statement, size_t value);

/* `timestamp`: microseconds; decides which of two writes to one cell wins. */
void km_execute(const KmSession* session, const KmScope* scope, const KmStatement* statement, const KmValue* values,
                int64_t timestamp, KmDone done, void* context, size_t tag);
/* All statements or none. `values`: of the first statement, then of the second, and so on. */
void km_batch(const KmSession* session, const KmScope* scope, uint8_t logged, const KmStatement* const* statements,
              size_t count, const KmValue* values, int64_t timestamp, KmDone done, void* context, size_t tag);

void km_result_free(KmResult* result);
int32_t km_result_code(const KmResult* result);
KmText km_result_text(const KmResult* result); /* what went wrong */
KmSession* km_result_take_session(KmResult* result);
KmStatement* km_result_take_statement(KmResult* result);
size_t km_result_columns(const KmResult* result);
uint16_t km_result_type(const KmResult* result, size_t column);
size_t km_result_rows(const KmResult* result);
KmValue km_result_cell(const KmResult* result, size_t row, size_t column);

#ifdef __cplusplus
}
#endif
