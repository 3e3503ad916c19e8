"""Pages for people, from bundled assets: nobody outside is asked."""
