// Milliseconds from the import of the package to a usable kernel table: passed, and of processor time.
const used = () => process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000;
const [start, before] = [performance.now(), used()];
const { cpuInfo } = await import('lanewise');
cpuInfo();
console.log(JSON.stringify({ passed: performance.now() - start, processor: used() - before }));
