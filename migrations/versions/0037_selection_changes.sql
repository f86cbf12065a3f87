-- Answers about what fits are remembered under the state that they were made of. A state is told by the marks of all
-- changes: each change leaves one in its own transaction, so that it counts from the moment that the change does, and
-- whoever changes something waits for nobody. Marks are random: two states that differ have other marks, also after a
-- backup was restored and time went another way.
CREATE TABLE selection_changes (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mark bigint NOT NULL
);
COMMENT ON TABLE selection_changes IS 'the state of crosses and fitments is bit_xor(mark); many marks may become one';

CREATE FUNCTION selection_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO selection_changes (mark) VALUES (hashtextextended(gen_random_uuid()::text, 0));
    RETURN NULL;
END
$$;
CREATE TRIGGER crosses_changed AFTER INSERT OR UPDATE OR DELETE ON crosses
    FOR EACH STATEMENT EXECUTE FUNCTION selection_changed();
CREATE TRIGGER cross_articles_changed AFTER INSERT OR UPDATE OR DELETE ON cross_articles
    FOR EACH STATEMENT EXECUTE FUNCTION selection_changed();
CREATE TRIGGER fitments_changed AFTER INSERT OR UPDATE OR DELETE ON fitments
    FOR EACH STATEMENT EXECUTE FUNCTION selection_changed();
CREATE TRIGGER fitment_absences_changed AFTER INSERT OR UPDATE OR DELETE ON fitment_absences
    FOR EACH STATEMENT EXECUTE FUNCTION selection_changed();

GRANT SELECT, INSERT, DELETE ON selection_changes TO autoshop_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO autoshop_app;
