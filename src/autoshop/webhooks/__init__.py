"""Webhooks: other programs are told what happened, by signed requests (Standard Webhooks 1.0), at least once.

model      who wants what, when to try again, how a message is signed: pure rules
targets    which addresses may be called: not those inside the network, unless the settings name them
service    verbs for whoever subscribes: add, change, rotate the secret, ping, deliver again, replay
relay      turns events of the outbox into deliveries, each once
sending    one message over the network
jobs       what the worker does all the time: relay, and send what is due
"""
