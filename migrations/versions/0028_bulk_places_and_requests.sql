-- Two more kinds of bulk documents: where products lie, and what is asked of other stores.

ALTER TABLE bulk_documents
    DROP CONSTRAINT bulk_documents_kind_check,
    ADD CONSTRAINT bulk_documents_kind_check
        CHECK (kind IN ('receipt', 'writeoff', 'adjustment', 'set', 'levels', 'places', 'requests'));
ALTER TABLE bulk_lines ADD COLUMN transfer_id bigint REFERENCES transfers;
COMMENT ON COLUMN bulk_lines.transfer_id IS 'of kind requests: lines of the same sender share one';
