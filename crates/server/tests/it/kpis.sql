-- Every count of docs/kpis.md, by brute force over the exported log. Written from that page for SQLite; tables as in docs/export.md, with `time_s`
-- for seconds of the epoch. `setting` holds the shop's currency and the days of the attribution.

-- Which shopper a number is, from one entry of the log up to another.
CREATE TABLE member AS
WITH RECURSIVE number(no) AS (
    SELECT shopper FROM events WHERE shopper IS NOT NULL UNION SELECT shopper FROM decisions WHERE shopper IS NOT NULL
    UNION SELECT kept FROM joins UNION SELECT joined FROM joins
), step(no, root, since) AS (
    SELECT no, no, 0 FROM number
    UNION ALL
    SELECT step.no, joins.kept, joins.offset FROM step JOIN joins ON joins.joined = step.root
)
SELECT no, root, since, coalesce((SELECT min(later.offset) FROM joins AS later WHERE later.joined = step.root), 1 << 60) AS until
FROM step;
CREATE INDEX member_no ON member(no, since);
CREATE INDEX member_root ON member(root, since);

-- What is counted: no program's events, no refusals, no refunds, no order told before.
CREATE TABLE told AS
SELECT e.*, (SELECT m.root FROM member AS m WHERE m.no = e.shopper AND m.since <= e.offset AND e.offset < m.until) AS root,
    kind NOT IN ('message_sent', 'message_opened', 'message_converted', 'message_bounced', 'message_unsubscribed', 'support_contact') AS is_of_visit
FROM events AS e
WHERE bot < 50 AND analytics AND kind <> 'refund' AND NOT (kind = 'purchase' AND EXISTS (
    SELECT 1 FROM events AS o WHERE o.kind = 'purchase' AND o.order_key = e.order_key AND o.offset < e.offset AND o.bot < 50 AND o.analytics));
CREATE UNIQUE INDEX told_offset ON told(offset);
CREATE INDEX told_shopper ON told(shopper, offset);

-- What was told before of the same shopper, as far as it was known by then.
CREATE TABLE past AS
SELECT e.offset, p.offset AS past, p.kind, p.time_s, p.day, p.is_of_visit
FROM told AS e
JOIN member AS m ON m.root = e.root AND m.since <= e.offset AND e.offset < m.until
JOIN told AS p ON p.shopper = m.no AND p.offset < e.offset;
CREATE INDEX past_offset ON past(offset, kind);
CREATE INDEX past_past ON past(past);

-- Visits: what begins one.
CREATE TABLE begin AS
SELECT offset, time_s, device,
    EXISTS (SELECT 1 FROM past AS p WHERE p.offset = e.offset AND p.is_of_visit) AS is_returning,
    EXISTS (SELECT 1 FROM past AS p WHERE p.offset = e.offset AND p.kind = 'add_to_cart' AND e.time_s - p.time_s < 28 * 86400) AS is_keen
FROM told AS e
WHERE is_of_visit AND root IS NOT NULL
    AND time_s > coalesce((SELECT max(p.time_s) + 1800 FROM past AS p WHERE p.offset = e.offset AND p.is_of_visit), -1);
CREATE UNIQUE INDEX begin_offset ON begin(offset);

-- The visit that each event belongs to: the one that began last.
CREATE TABLE visit AS
SELECT e.offset, (
    SELECT b.offset FROM begin AS b
    WHERE b.offset = e.offset OR b.offset IN (SELECT p.past FROM past AS p WHERE p.offset = e.offset)
    ORDER BY b.time_s DESC LIMIT 1) AS began
FROM told AS e WHERE root IS NOT NULL;
CREATE UNIQUE INDEX visit_offset ON visit(offset);

-- Decisions, as shoppers were known then.
CREATE TABLE asked AS
SELECT d.*, a.arm, a.epoch, a.experiment FROM decisions AS d LEFT JOIN arms AS a ON a.offset = d.offset;
CREATE INDEX asked_shopper ON asked(shopper, offset);
CREATE UNIQUE INDEX decision_id ON decisions(decision);

-- Decisions in an arm, of each shopper who the one that asked ever was.
CREATE TABLE exposed AS
SELECT m.root, m.since, m.until, a.offset, a.time_s, a.experiment, a.arm, a.epoch
FROM member AS m JOIN asked AS a ON a.shopper = m.no WHERE a.arm IS NOT NULL AND a.fallback <> 'clutter';
CREATE INDEX exposed_root ON exposed(root, since);

-- The parts of each event.
CREATE TABLE part AS
SELECT offset, day, 'whole' AS by, 'whole' AS part FROM told
UNION ALL
SELECT e.offset, e.day, 'segment', CASE WHEN b.is_returning THEN 'returning' ELSE 'new' END
FROM told AS e JOIN visit AS v ON v.offset = e.offset LEFT JOIN begin AS b ON b.offset = v.began
UNION ALL
SELECT e.offset, e.day, 'segment', CASE WHEN b.is_keen THEN 'high_intent' ELSE 'low_intent' END
FROM told AS e JOIN visit AS v ON v.offset = e.offset LEFT JOIN begin AS b ON b.offset = v.began
UNION ALL
SELECT e.offset, e.day, 'segment', b.device
FROM told AS e JOIN visit AS v ON v.offset = e.offset JOIN begin AS b ON b.offset = v.began WHERE b.device <> 'unknown'
UNION ALL
SELECT offset, day, 'market', market FROM (
    SELECT e.offset, e.day, (
        SELECT d.market FROM member AS m JOIN decisions AS d ON d.shopper = m.no
        WHERE m.root = e.root AND m.since <= e.offset AND e.offset < m.until AND d.offset < e.offset AND d.market IS NOT NULL
        ORDER BY d.time_s DESC, d.offset DESC LIMIT 1) AS market
    FROM told AS e WHERE root IS NOT NULL) WHERE market IS NOT NULL
UNION ALL
SELECT offset, day, 'arm', arm FROM (
    -- Of shoppers who turned out to be one the arm of the older one, in which they stay, unless only the other had any by then.
    SELECT e.offset, e.day, e.time_s, (
        SELECT a.experiment || ' · ' || a.arm || ' · epoch ' || a.epoch FROM exposed AS a
        WHERE a.root = e.root AND a.since <= e.offset AND e.offset < a.until AND a.offset < e.offset
        ORDER BY max(a.offset, a.since), a.time_s LIMIT 1) AS arm, (
        SELECT min(a.time_s) FROM exposed AS a
        WHERE a.root = e.root AND a.since <= e.offset AND e.offset < a.until AND a.offset < e.offset) AS first_s
    FROM told AS e WHERE root IS NOT NULL) WHERE first_s <= time_s;
CREATE INDEX part_offset ON part(offset);

-- What the catalogue said of an item when an event came in.
CREATE TABLE line AS
SELECT e.offset, e.root, e.time_s, e.day, e.kind, i.line, i.item, i.quantity, i.price AS own,
    (SELECT c.price FROM catalog AS c WHERE c.item = i.item AND c.offset < e.offset AND c.price IS NOT NULL ORDER BY c.as_of DESC, c.offset DESC LIMIT 1) AS price,
    (SELECT c.sale_price FROM catalog AS c WHERE c.item = i.item AND c.offset < e.offset AND (c.sale_price IS NOT NULL OR c.ends_sale)
        ORDER BY c.as_of DESC, c.offset DESC LIMIT 1) AS sale,
    (SELECT c.offset FROM catalog AS c WHERE c.item = i.item AND c.offset < e.offset AND c.is_described ORDER BY c.as_of DESC, c.offset DESC LIMIT 1) AS described,
    e.currency IS NULL OR e.currency = (SELECT currency FROM setting) AS is_ours
FROM told AS e JOIN items AS i ON i.offset = e.offset
WHERE e.kind IN ('purchase', 'view_item', 'add_to_cart');
CREATE TABLE worth AS
SELECT l.*, coalesce(nullif(c.item_group, ''), l.item) AS item_group,
    CASE WHEN instr(c.category, ' > ') THEN substr(c.category, 1, instr(c.category, ' > ') - 1) ELSE c.category END AS top,
    CASE WHEN is_ours THEN coalesce(l.own, l.sale, l.price, 0) * l.quantity ELSE 0 END AS revenue,
    CASE WHEN is_ours AND c.cost IS NOT NULL AND coalesce(l.own, l.sale, l.price) IS NOT NULL
        THEN (coalesce(l.own, l.sale, l.price) - c.cost) * l.quantity ELSE 0 END AS margin
FROM line AS l LEFT JOIN catalog AS c ON c.offset = l.described;
CREATE INDEX worth_offset ON worth(offset);

-- What was clicked or in view, and where.
CREATE TABLE touch AS
SELECT e.offset, e.shopper, e.time_s, i.line, i.item, d.placement, d.is_search, e.kind = 'select_item' AS is_click
FROM told AS e
JOIN decisions AS d ON d.decision = e.decision AND d.offset < e.offset
JOIN items AS i ON i.offset = e.offset
WHERE e.kind = 'select_item' OR e.kind = 'view_item_list' AND e.visible;
CREATE INDEX touch_shopper ON touch(shopper, offset);
CREATE TABLE touched AS
SELECT l.offset, l.line, t.offset AS by, t.line AS at, t.item, t.time_s, t.placement, t.is_click, l.time_s - t.time_s AS ago_s
FROM worth AS l
JOIN member AS m ON m.root = l.root AND m.since <= l.offset AND l.offset < m.until
JOIN touch AS t ON t.shopper = m.no AND t.offset < l.offset
WHERE l.kind = 'purchase' AND l.is_ours AND l.item_group = coalesce((
    SELECT nullif(c.item_group, '') FROM catalog AS c WHERE c.item = t.item AND c.offset < l.offset AND c.is_described
    ORDER BY c.as_of DESC, c.offset DESC LIMIT 1), t.item);
CREATE INDEX touched_line ON touched(offset, line);
CREATE TABLE credited AS
SELECT w.offset, w.line, w.day, w.top, w.revenue, w.margin, w.quantity, w.item,
    (SELECT t.placement FROM touched AS t
        WHERE t.offset = w.offset AND t.line = w.line AND t.is_click AND t.ago_s >= 0 AND t.ago_s < (SELECT click_days FROM setting) * 86400
        ORDER BY t.time_s DESC, t.by DESC, t.at DESC LIMIT 1) AS clicked,
    (SELECT t.placement FROM touched AS t
        WHERE t.offset = w.offset AND t.line = w.line AND NOT t.is_click AND t.ago_s >= 0 AND t.ago_s < (SELECT view_days FROM setting) * 86400
            AND NOT EXISTS (SELECT 1 FROM touched AS u WHERE u.offset = t.offset AND u.line = t.line AND NOT u.is_click AND u.item = t.item
                AND (u.time_s, u.by, u.at) > (t.time_s, t.by, t.at))
        ORDER BY t.time_s DESC, t.by DESC, t.at DESC LIMIT 1) AS seen
FROM worth AS w WHERE w.kind = 'purchase' AND w.is_ours;
CREATE INDEX credited_offset ON credited(offset);

-- What each event counts for, in all of its parts.
CREATE TABLE counted(offset, name, amount);
INSERT INTO counted SELECT offset, 'visits', 1 FROM begin;
INSERT INTO counted SELECT offset, 'visitors', 1 FROM told AS e WHERE is_of_visit AND root IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM past AS p WHERE p.offset = e.offset AND p.is_of_visit AND p.day = e.day);
INSERT INTO counted SELECT offset, 'views', 1 FROM told WHERE kind = 'view_item';
INSERT INTO counted SELECT offset, 'lists', 1 FROM told WHERE kind = 'view_item_list' AND visible AND decision IS NOT NULL;
INSERT INTO counted SELECT offset, 'clicks', 1 FROM told WHERE kind = 'select_item' AND decision IS NOT NULL;
INSERT INTO counted SELECT offset, 'carts', 1 FROM told WHERE kind = 'add_to_cart';
INSERT INTO counted SELECT e.offset, 'searches', 1 FROM told AS e WHERE e.search IS NOT NULL AND kind IN ('search', 'view_search_results') AND NOT coalesce((
    SELECT q.search = e.search AND e.search <> 0 AND e.time_s <= q.time_s + 1800
    FROM past AS p JOIN told AS q ON q.offset = p.past
    WHERE p.offset = e.offset AND p.kind IN ('search', 'view_search_results') ORDER BY q.time_s DESC, q.offset DESC LIMIT 1), 0);
INSERT INTO counted SELECT e.offset, 'search_visits', 1 FROM told AS e JOIN visit AS v ON v.offset = e.offset
WHERE kind IN ('search', 'view_search_results') AND NOT EXISTS (
    SELECT 1 FROM past AS p JOIN visit AS w ON w.offset = p.past
    WHERE p.offset = e.offset AND p.kind IN ('search', 'view_search_results') AND w.began = v.began);
INSERT INTO counted SELECT DISTINCT t.offset, 'search_clicks', 1 FROM touch AS t WHERE t.is_click AND t.is_search;
INSERT INTO counted SELECT offset, 'orders', 1 FROM told WHERE kind = 'purchase';
INSERT INTO counted SELECT offset, 'items', quantity FROM worth WHERE kind = 'purchase';
INSERT INTO counted SELECT offset, 'revenue', revenue FROM credited;
INSERT INTO counted SELECT offset, 'margin', margin FROM credited;
INSERT INTO counted SELECT offset, 'foreign_orders', 1 FROM told WHERE kind = 'purchase' AND currency IS NOT NULL AND currency <> (SELECT currency FROM setting);
INSERT INTO counted SELECT offset, 'repeat_orders', 1 FROM told AS e
WHERE kind = 'purchase' AND EXISTS (SELECT 1 FROM past AS p WHERE p.offset = e.offset AND p.kind = 'purchase');
INSERT INTO counted SELECT offset, 'timed_orders', 1 FROM told AS e
WHERE kind = 'purchase' AND root IS NOT NULL AND NOT EXISTS (SELECT 1 FROM past AS p WHERE p.offset = e.offset AND p.kind = 'purchase');
INSERT INTO counted SELECT e.offset, 'hours_to_order',
    (e.time_s - coalesce((SELECT min(p.time_s, e.time_s) FROM (SELECT min(time_s) AS time_s FROM past WHERE offset = e.offset AND is_of_visit) AS p), e.time_s)) / 3600
FROM told AS e JOIN counted AS c ON c.offset = e.offset AND c.name = 'timed_orders';
INSERT INTO counted SELECT DISTINCT offset, 'click_orders', 1 FROM credited WHERE clicked IS NOT NULL;
INSERT INTO counted SELECT offset, 'click_revenue', revenue FROM credited WHERE clicked IS NOT NULL;
INSERT INTO counted SELECT DISTINCT offset, 'view_orders', 1 FROM credited WHERE clicked IS NULL AND seen IS NOT NULL;
INSERT INTO counted SELECT offset, 'view_revenue', revenue FROM credited WHERE clicked IS NULL AND seen IS NOT NULL;
INSERT INTO counted SELECT offset, 'contacts', 1 FROM told WHERE kind = 'support_contact';
INSERT INTO counted SELECT offset, 'ratings', 1 FROM told WHERE kind = 'rate_item' AND rating IS NOT NULL;
INSERT INTO counted SELECT offset, 'rating_tenths', CAST(round(rating * 10) AS INTEGER) FROM told WHERE kind = 'rate_item' AND rating IS NOT NULL;
INSERT INTO counted SELECT offset, 'messages', 1 FROM told WHERE kind = 'message_sent';
INSERT INTO counted SELECT offset, 'recipients', 1 FROM told AS e WHERE kind = 'message_sent' AND root IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM past AS p WHERE p.offset = e.offset AND p.kind = 'message_sent' AND p.day >= e.day);
INSERT INTO counted SELECT e.offset, 'message_revenue', (SELECT sum(revenue) FROM credited AS c WHERE c.offset = e.offset)
FROM told AS e WHERE kind = 'purchase' AND e.time_s - (SELECT max(p.time_s) FROM past AS p WHERE p.offset = e.offset AND p.kind = 'message_clicked') BETWEEN 0 AND 5 * 86400;

-- Clicks after which nothing came.
CREATE TABLE click AS
SELECT t.offset, t.time_s, t.placement, t.item, e.day,
    (SELECT min(x.offset) FROM events AS x WHERE x.bot < 50 AND x.analytics AND x.offset > t.offset AND x.time_s > t.time_s + 1800) AS closed
FROM touch AS t JOIN told AS e ON e.offset = t.offset WHERE t.is_click AND t.line = 0 AND t.shopper IS NOT NULL;
CREATE TABLE after AS
SELECT c.offset, f.offset AS after, f.kind,
    f.kind = 'view_item' AND EXISTS (SELECT 1 FROM items AS i WHERE i.offset = f.offset AND i.item = c.item) AS is_page
FROM click AS c JOIN past AS p ON p.past = c.offset JOIN told AS f ON f.offset = p.offset
WHERE f.offset < c.closed AND f.is_of_visit AND f.kind NOT IN ('page_view', 'view_item_list', 'view_promotion');
CREATE TABLE bounce AS
SELECT c.* FROM click AS c WHERE c.closed IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM after AS a WHERE a.offset = c.offset AND NOT (
        a.is_page AND NOT EXISTS (SELECT 1 FROM after AS b WHERE b.offset = a.offset AND b.after < a.after AND b.is_page)));

-- What comes back: of each refund how much, and how it falls on the lines.
CREATE TABLE back AS
SELECT r.offset, o.offset AS of, o.day, r.value, r.currency IS NULL OR r.currency = (SELECT currency FROM setting) AS is_ours,
    EXISTS (SELECT 1 FROM items AS i WHERE i.offset = r.offset) AS has_items,
    coalesce((SELECT sum(revenue) FROM credited AS c WHERE c.offset = o.offset), 0) AS revenue
FROM events AS r JOIN told AS o ON o.kind = 'purchase' AND o.order_key = r.order_key AND o.offset < r.offset
WHERE r.kind = 'refund' AND r.bot < 50 AND r.analytics;
CREATE TABLE named AS
SELECT b.offset, i.line, c.line AS of_line,
    max(coalesce(i.price, CASE WHEN c.quantity > 0 THEN c.revenue / c.quantity ELSE c.revenue END, 0) * i.quantity, 0) AS amount
FROM back AS b JOIN items AS i ON i.offset = b.offset
LEFT JOIN credited AS c ON c.offset = b.of AND c.item = i.item
    AND c.line = (SELECT min(line) FROM credited AS f WHERE f.offset = b.of AND f.item = i.item);
CREATE TABLE asked_back AS
SELECT b.*, CASE
    WHEN value IS NULL AND NOT has_items THEN revenue
    WHEN NOT is_ours THEN 0
    WHEN value IS NOT NULL THEN max(value, 0)
    ELSE coalesce((SELECT sum(amount) FROM named AS n WHERE n.offset = b.offset), 0) END AS amount
FROM back AS b;
CREATE TABLE given AS
SELECT a.*, min(revenue, sum(amount) OVER w) - min(revenue, coalesce(sum(amount) OVER (PARTITION BY of ORDER BY offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)) AS now,
    row_number() OVER w = 1 AS is_first
FROM asked_back AS a WINDOW w AS (PARTITION BY of ORDER BY offset);
CREATE TABLE given_line AS
SELECT g.offset, g.of, g.day, c.line, c.top, c.clicked, c.revenue, c.margin, CASE
    WHEN g.value IS NOT NULL OR NOT g.has_items OR NOT g.is_ours THEN CASE WHEN g.revenue > 0 THEN CAST(round(g.now * 1.0 * c.revenue / g.revenue) AS INTEGER) ELSE 0 END
    WHEN g.amount > 0 THEN CAST(round(g.now * 1.0
        * coalesce((SELECT sum(amount) FROM named AS n WHERE n.offset = g.offset AND n.of_line = c.line), 0) / g.amount) AS INTEGER)
    ELSE 0 END AS now
FROM given AS g JOIN credited AS c ON c.offset = g.of;
CREATE TABLE given_margin AS
SELECT *, CASE WHEN revenue > 0 THEN CAST(round(margin * 1.0 * now / revenue) AS INTEGER) ELSE 0 END AS now_margin FROM given_line;

-- The counts by day and part.
CREATE TABLE result AS
WITH amounts(day, by, part, name, amount) AS (
    SELECT p.day, p.by, p.part, c.name, c.amount FROM counted AS c JOIN part AS p ON p.offset = c.offset
    UNION ALL
    SELECT e.day, 'placement', d.placement, CASE e.kind WHEN 'select_item' THEN 'clicks' ELSE 'lists' END, 1
    FROM told AS e JOIN decisions AS d ON d.decision = e.decision AND d.offset < e.offset WHERE e.kind = 'select_item' OR e.kind = 'view_item_list' AND e.visible
    UNION ALL
    SELECT day, 'placement', clicked, 'click_orders', 1 FROM (SELECT DISTINCT offset, day, clicked FROM credited WHERE clicked IS NOT NULL)
    UNION ALL SELECT day, 'placement', clicked, 'click_revenue', revenue FROM credited WHERE clicked IS NOT NULL
    UNION ALL
    SELECT day, 'placement', seen, 'view_orders', 1 FROM (SELECT DISTINCT offset, day, seen FROM credited WHERE clicked IS NULL AND seen IS NOT NULL)
    UNION ALL SELECT day, 'placement', seen, 'view_revenue', revenue FROM credited WHERE clicked IS NULL AND seen IS NOT NULL
    UNION ALL SELECT day, 'whole', 'whole', 'click_bounces', 1 FROM bounce
    UNION ALL SELECT day, 'placement', placement, 'click_bounces', 1 FROM bounce
    UNION ALL SELECT day, 'whole', 'whole', 'programs', 1 FROM events WHERE bot >= 50 AND analytics
    UNION ALL SELECT day, 'whole', 'whole', 'unknown_returns', 1 FROM events AS r
        WHERE kind = 'refund' AND bot < 50 AND analytics AND NOT EXISTS (SELECT 1 FROM back AS b WHERE b.offset = r.offset)
    UNION ALL SELECT p.day, p.by, p.part, 'returns', 1 FROM given AS g JOIN part AS p ON p.offset = g.of WHERE g.is_first
    UNION ALL SELECT p.day, p.by, p.part, 'returned', g.now FROM given AS g JOIN part AS p ON p.offset = g.of
    UNION ALL SELECT p.day, p.by, p.part, 'returned_margin', l.now_margin FROM given_margin AS l JOIN part AS p ON p.offset = l.of
    UNION ALL SELECT day, 'category', top, 'returned', now FROM given_margin WHERE top IS NOT NULL
    UNION ALL SELECT day, 'category', top, 'returned_margin', now_margin FROM given_margin WHERE top IS NOT NULL
    UNION ALL SELECT day, 'whole', 'whole', 'click_returned', now FROM given_line WHERE clicked IS NOT NULL
    UNION ALL SELECT day, 'placement', clicked, 'click_returned', now FROM given_line WHERE clicked IS NOT NULL
    UNION ALL SELECT day, 'category', top, CASE kind WHEN 'view_item' THEN 'views' ELSE 'carts' END, 1 FROM worth WHERE kind <> 'purchase' AND top IS NOT NULL
    UNION ALL SELECT day, 'category', top, 'items', quantity FROM worth WHERE kind = 'purchase' AND top IS NOT NULL
    UNION ALL SELECT day, 'category', top, 'revenue', revenue FROM worth WHERE kind = 'purchase' AND top IS NOT NULL
    UNION ALL SELECT day, 'category', top, 'margin', margin FROM worth WHERE kind = 'purchase' AND top IS NOT NULL
    UNION ALL SELECT day, 'category', top, 'orders', 1 FROM (SELECT DISTINCT offset, day, top FROM worth WHERE kind = 'purchase' AND top IS NOT NULL)
)
SELECT day, by, part, name, sum(amount) AS amount FROM amounts GROUP BY day, by, part, name HAVING sum(amount) <> 0;
