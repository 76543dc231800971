"""The Telegram bot.

`app` connects the packages: an update comes in through `inbound`, a handler of `handlers` decides through the fleet,
`notify` compares sessions with what was sent, `views` renders, `outbound` delivers, `store` remembers. Imports go only
in that direction. Sessions are known only as values of the fleet.
"""
