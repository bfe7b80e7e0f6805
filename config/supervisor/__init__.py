"""`manage.py up`: the embedded servers and the product's processes under one parent. No Django in here."""
