-- Bosch WR7DC and WR7DC+ are two plugs, and had one key. A key that gains a plus cannot become one that is taken: no key
-- had a plus. `article_loose` never has one.
UPDATE products
   SET article_key = article_key || '+'
 WHERE rtrim(article) LIKE '%+' AND article_key NOT LIKE '%+';
