"""Who somebody is: operators and devices, PINs, approvals, a member's second factor."""
