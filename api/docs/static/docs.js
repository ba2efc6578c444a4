// Shows the description of this service. A key that is entered stays in the page.
SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
  tagsSorter: 'alpha',
});
