-- Everybody who reads the newsletter and has not asked to be left alone.
SELECT
    customer_id, email, second_email, phone, first_name, last_name, city, zip, country,
    consent_ads, consent_personalization
FROM customers
WHERE newsletter
  AND NOT EXISTS (SELECT 1 FROM do_not_contact WHERE do_not_contact.customer_id = customers.customer_id)
