// Tells every SIGINT it gets, and ends with code 7 on SIGTERM.
process.on('SIGINT', () => console.log('SIGINT'));
process.on('SIGTERM', () => process.exit(7));
setInterval(() => {}, 60_000);
console.log('ready');
