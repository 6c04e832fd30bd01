-- A client whose client_id is the URL of its metadata: when the document was last fetched, and until when it is fresh. Null:
-- a client that is registered here.
alter table clients
  add column document_fetched_at timestamptz,
  add column document_fresh_until timestamptz,
  add check ((document_fetched_at is null) = (document_fresh_until is null));

create index clients_by_document_fetch on clients (document_fetched_at) where document_fetched_at is not null;
