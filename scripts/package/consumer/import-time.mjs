// Milliseconds from the import of the package to a usable kernel table.
const start = performance.now();
const { cpuInfo } = await import('lanewise');
cpuInfo();
console.log(performance.now() - start);
