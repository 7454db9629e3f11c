"""Attribution: a game of mixed versions, each trained again, whose outcome is an `Attribution`.

Training is behind the protocol `Mixes`.
"""
