"""x"""
def run(r,d): pass
