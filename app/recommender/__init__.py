"""From tags to curators: a platform's tables, identities, the training target, models and metrics.

`app.recommender.tables` reads and checks a platform's tables, `app.recommender.simulation` makes
such tables up. `app.recommender.identities` makes tag vectors of artists and curators.
"""
