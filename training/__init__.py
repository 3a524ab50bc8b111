"""Training: recipes, the loop, and jobs that outlive the page that launched them."""
