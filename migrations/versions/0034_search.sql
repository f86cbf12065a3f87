-- A plus at the end of an article is part of it (Bosch WR7DC and WR7DC+ are two plugs): it was dropped from the strict
-- key. No two products can meet under a new key, for none had a plus in the old one.
UPDATE products
   SET article_key = article_key || '+'
 WHERE (article LIKE '%+%' OR article LIKE '%＋%')
   AND normalize(article, NFKC) ~ '[0-9A-Za-zА-Яа-яЁё][^0-9A-Za-zА-Яа-яЁё]*\+[^0-9A-Za-zА-Яа-яЁё]*$';

-- levenshtein, for the few articles and words that share half of what was typed.
CREATE EXTENSION IF NOT EXISTS fuzzystrmatch;

-- ---------------------------------------------------------------------------- what is found by its name
-- Indexes of words would double the time of an import, so they stand in a table of their own, which the worker fills.
CREATE TABLE search_documents (
    product_id       bigint   PRIMARY KEY,
    brand_id         bigint   NOT NULL,
    category_id      bigint,
    article_loose    text     NOT NULL,
    article_reversed text     NOT NULL,
    words            tsvector NOT NULL,
    print            integer  NOT NULL
);
COMMENT ON TABLE search_documents IS 'active products as they were when the worker looked: an index, which may be lost';
COMMENT ON COLUMN search_documents.words IS 'stems of the name without its article, and brand:ID, category:ID';
COMMENT ON COLUMN search_documents.print IS 'of what was indexed: a reader leaves out what has changed since';
CREATE INDEX search_documents_words ON search_documents USING gin (words) WITH (gin_pending_list_limit = 512);
CREATE INDEX search_documents_brand ON search_documents (brand_id, article_loose, product_id);
CREATE INDEX search_documents_reversed ON search_documents (article_reversed);

CREATE TABLE search_words (
    word          text   PRIMARY KEY,
    word_reversed text   NOT NULL,
    lexeme        text   NOT NULL,
    seen          bigint NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE search_words IS 'each word of letters that names have; what is typed is corrected against it';
COMMENT ON COLUMN search_words.seen IS 'how often it was indexed: which of two words is meant rather';
CREATE INDEX search_words_reversed ON search_words (word_reversed);
CREATE INDEX search_words_lexeme ON search_words (lexeme);

-- ---------------------------------------------------------------------------- what the worker has to look at
-- Written by the transaction that changes products, and taken out by the one that indexes them: no cursor, so nobody who
-- commits late is passed over, and what a worker that dies had taken is there again.
CREATE TABLE search_changes (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_id bigint NOT NULL,
    last_id  bigint NOT NULL
);
COMMENT ON TABLE search_changes IS 'products that are to be indexed anew, from an id to an id';

-- A few products one by one; of many, blocks of a thousand ids: a million new products are a thousand lines.
CREATE FUNCTION products_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM (SELECT FROM new_rows LIMIT 51) AS n) <= 50 THEN
        INSERT INTO search_changes (first_id, last_id) SELECT id, id FROM new_rows;
    ELSE
        INSERT INTO search_changes (first_id, last_id)
        SELECT min(id), max(id) FROM new_rows GROUP BY id / 1000 ORDER BY 1;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER products_changed_new AFTER INSERT ON products
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION products_changed();
CREATE TRIGGER products_changed_old AFTER UPDATE ON products
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION products_changed();

INSERT INTO search_changes (first_id, last_id)
SELECT min(id), max(id)
  FROM products
 GROUP BY id / 1000
 ORDER BY 1;

-- ---------------------------------------------------------------------------- what the application may do
GRANT SELECT, INSERT, UPDATE, DELETE ON search_documents, search_words, search_changes TO autoshop_app;
