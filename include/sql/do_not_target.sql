-- Everybody who asked to be left alone; campaigns exclude this audience.
SELECT DISTINCT ON (customers.customer_id)
    customers.customer_id, customers.email, second_email, customers.phone, customers.country
FROM customers
JOIN do_not_contact ON do_not_contact.customer_id = customers.customer_id
ORDER BY customers.customer_id, customers.email
