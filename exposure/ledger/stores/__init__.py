"""A store on either database: how it is opened, asked, brought up to date, made anew beside itself, and copied."""
