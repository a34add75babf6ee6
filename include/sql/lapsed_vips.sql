-- Customers who paid more than 200 in the last two years and nothing in the last 90 days.
-- "Today" is the day of the newest order, so that the answer depends on the warehouse alone.
WITH today AS (
    SELECT max(ordered_at) AS moment FROM orders
),
vips AS (
    SELECT orders.customer_id
    FROM orders, today
    WHERE orders.status = 'paid' AND orders.ordered_at > today.moment - INTERVAL 2 YEAR
    GROUP BY orders.customer_id
    HAVING sum(orders.amount) > 200 AND max(orders.ordered_at) < any_value(today.moment) - INTERVAL 90 DAY
)
SELECT
    customers.customer_id, email, second_email, phone, first_name, last_name, gender,
    birth_year, birth_month, birth_day, city, state, zip, country, idfa, ltv,
    consent_ads, consent_personalization
FROM customers
JOIN vips ON vips.customer_id = customers.customer_id
WHERE NOT EXISTS (SELECT 1 FROM do_not_contact WHERE do_not_contact.customer_id = customers.customer_id)
