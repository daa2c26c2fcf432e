"""The loyalty program: earning rules, activities, referrals, rewards."""
