// Stands where a token process should be and never says a word.

setInterval(() => undefined, 60_000);
process.on('disconnect', () => process.exit(0));
