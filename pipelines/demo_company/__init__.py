"""The demo company: a deterministic simulator of a B2B software company with known truth.

``python -m pipelines.demo_company`` writes what its systems would export (``export``, ``zendesk``,
``salesforce``, ``usage``) and, elsewhere, the truth that only evaluation may read. Its mechanisms:

- **Accounts** (``company``): four plans from 480 to 900,000 dollars a year. One in eight is a key account of
  more than 250,000 dollars that renews within 45 days after the history. One person writes through up to four
  Zendesk users.
- **Demand** (``tickets``): 38 intents in 10 clusters of look-alikes, two of them new with releases (months 9
  and 14 of 18); seasons, weekdays, office hours; renewals and slumps shift it. An outage every two months or
  so (``outages``) makes 12 to 45 % of the accounts meet the same fault.
- **Texts** (``texts/``): a grammar per language. 79 % of tickets say clearly what they want, 16.5 % only
  what rival intents say as well, 4.5 % next to nothing; 7 % add a second request; people mistype and shout.
  A linear model on n-grams gets 85 % of the intents of the newest fifth right (at full size).
- **Moods**: frustration grows with failed log-ins beyond three, unsolved attempts, outages, bad memories and
  temper. Failed log-ins precede 45 % of password resets and 85 % of locked accounts, and are exported within
  the hour; harmless ones exist, too.
- **The desk** (``agents``, ``lifecycle``): shifts, skills, a first queue that is wrong for one in four,
  handoffs, 4 % wrong final labels, 14 % priorities one level off, reopenings, ratings from a third of the
  customers, confirmations (which imply a right label in 98 of 100 cases), and for 10 % of tickets two reviews
  (intent right in 99 %, sentiment in 97 %). Who is not helped mostly writes again, through another channel.
- **Churn** (``journey``): a slump of usage (8.5 % leave a month) and remembered bad service (2.4 % per point)
  can be seen before; 0.35 % a month leaves for reasons nobody sees. Renewals double both.
- **The morning queue** (``morning_queue``): what lies unread on the morning after, with a planted cast.

Every entity draws from a stream of its own (``chance``), named by the seed and its number; no logarithm, no
cosine and no order of a set or dictionary reaches the output, so the same parameters give the same bytes.
The simulator shares no word, rule or number with ``policy``, ``features`` or ``models``.
"""

from pipelines.demo_company.morning_queue import MorningQueue, morning_queue
from pipelines.demo_company.write import DemoCompanyError, write_company

__all__ = ["DemoCompanyError", "MorningQueue", "morning_queue", "write_company"]
