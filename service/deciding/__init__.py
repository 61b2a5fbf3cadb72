"""The commands that decide: may this order be taken, who lets it pass, which limit, by which policy?"""
