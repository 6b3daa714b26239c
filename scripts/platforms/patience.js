// Loaded by mocha before the tests: an emulator needs LANEWISE_PATIENCE times the time that each test allows itself.
import process from 'node:process';
import mocha from 'mocha';

const { prototype } = mocha.Runnable;
const timeout = prototype.timeout;
prototype.timeout = function (milliseconds) {
  if (milliseconds === undefined) return timeout.call(this);
  return timeout.call(this, milliseconds * Number(process.env.LANEWISE_PATIENCE ?? 1));
};
