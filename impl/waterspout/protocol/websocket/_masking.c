/* The compiled twin of frames.mask_in_python: RFC 6455 section 5.3, eight octets at a time.
 *
 * Built when WATERSPOUT_COMPILE=1 is set while the package is installed; without it nothing is missing but speed.
 */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

static void
mask_octets(unsigned char *to, const unsigned char *from, Py_ssize_t size, const unsigned char *key)
{
    uint64_t keys, octets;
    Py_ssize_t at = 0;

    memcpy(&keys, key, 4);
    memcpy((unsigned char *)&keys + 4, key, 4);
    for (; at + 8 <= size; at += 8) {
        memcpy(&octets, from + at, 8);
        octets ^= keys;
        memcpy(to + at, &octets, 8);
    }
    for (; at < size; at++) {
        to[at] = from[at] ^ key[at & 3];
    }
}

static PyObject *
apply_mask(PyObject *module, PyObject *arguments)
{
    Py_buffer data, key;
    PyObject *masked = NULL;

    if (!PyArg_ParseTuple(arguments, "y*y*:apply_mask", &data, &key)) {
        return NULL;
    }
    if (key.len != 4) {
        PyErr_SetString(PyExc_ValueError, "a masking key has four octets");
    }
    else {
        masked = PyBytes_FromStringAndSize(NULL, data.len);
        if (masked != NULL) {
            mask_octets((unsigned char *)PyBytes_AS_STRING(masked), data.buf, data.len, key.buf);
        }
    }
    PyBuffer_Release(&data);
    PyBuffer_Release(&key);
    return masked;
}

static PyMethodDef functions[] = {
    {"apply_mask", apply_mask, METH_VARARGS, "``data`` xor the four octets of ``key`` repeated."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_masking", .m_size = 0, .m_methods = functions,
};

PyMODINIT_FUNC
PyInit__masking(void)
{
    return PyModuleDef_Init(&definition);
}
