"""What reaches people outside the product: notices on their way through Slack, mail and webhooks, and the way back.

topics, preferences, quiet     what a person wants to be told where (pure)
routing                        a notice → its deliveries
claiming, retrying, sending    a delivery → sent, tried again, silenced or given up
wording, defused               what a message says; foreign text can do nothing in it
slack, mail, hook              one kind of connection each
links, digest                  whose account it is; what waits, once a day or week
"""
