-- KeepMQ tables in PostgreSQL. Times are UTC.
-- Topics and client identifiers have up to 65,535 bytes, an entry of an index has less than 2,704.
-- So unique keys are over a hash of the bytes, and the order of topics is that of their first 500
-- characters; whoever looks something up compares the whole text as well.

create table if not exists mqtt_client (
    id         bigserial primary key,
    clientid   text collate "C" not null,
    state      integer,                 -- 1 online, 0 offline
    node       text,
    online_at  timestamp,
    offline_at timestamp,               -- null while the client is online
    created    timestamp default (now() at time zone 'utc')
);
create unique index if not exists mqtt_client_key on mqtt_client (
    sha256(decode(replace(clientid, '\', '\\'), 'escape')));

-- Subscriptions that the broker makes for a client when it connects; you fill this table.
create table if not exists mqtt_sub (
    id         bigserial primary key,
    clientid   text collate "C" not null,
    topic      text collate "C" not null,
    qos        integer,
    created    timestamp default (now() at time zone 'utc')
);
create unique index if not exists mqtt_sub_key on mqtt_sub (
    sha256(decode(replace(clientid, '\', '\\'), 'escape')),
    sha256(decode(replace(topic, '\', '\\'), 'escape')));

create table if not exists mqtt_msg (
    id         bigserial primary key,   -- the order of the store
    msgid      text collate "C" unique,
    topic      text collate "C" not null,
    sender     text collate "C",
    node       text,
    qos        integer not null default 0,
    retain     integer,
    payload    bytea,
    arrived    timestamp not null,
    properties text                     -- MQTT 5 properties as JSON, null if there are none
);
create index if not exists mqtt_msg_topic on mqtt_msg (left(topic, 500), id);

create table if not exists mqtt_retain (
    id         bigserial primary key,
    topic      text collate "C" not null,
    msgid      text collate "C",
    sender     text collate "C",
    node       text,
    qos        integer,
    payload    bytea,
    arrived    timestamp not null default (now() at time zone 'utc'),
    properties text
);
create unique index if not exists mqtt_retain_key on mqtt_retain (
    sha256(decode(replace(topic, '\', '\\'), 'escape')));

create table if not exists mqtt_acked (
    id         bigserial primary key,
    clientid   text collate "C" not null,
    topic      text collate "C" not null,   -- a topic, or a filter with wildcards
    mid        bigint,                  -- mqtt_msg.id of the last acknowledged message, 0 at the start
    created    timestamp                -- when mid was last set
);
create unique index if not exists mqtt_acked_key on mqtt_acked (
    sha256(decode(replace(clientid, '\', '\\'), 'escape')),
    sha256(decode(replace(topic, '\', '\\'), 'escape')));
