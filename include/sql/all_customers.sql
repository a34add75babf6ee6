-- Every customer who has not asked to be left alone.
SELECT
    customer_id, email, second_email, phone, first_name, last_name, gender,
    birth_year, birth_month, birth_day, city, state, zip, country, idfa, ltv
FROM customers
WHERE NOT EXISTS (SELECT 1 FROM do_not_contact WHERE do_not_contact.customer_id = customers.customer_id)
