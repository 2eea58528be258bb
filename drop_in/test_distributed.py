"""Dask's scheduler, and workers in processes of their own that it starts by multiprocessing."""

from __future__ import annotations

from dask.distributed import Client, LocalCluster


def package_of_worker(x):
    import tornado.ioloop

    return tornado.ioloop.IOLoop.current().__class__.__module__, x + 1


def test_local_cluster():
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0") as cluster:
        with Client(cluster) as client:
            assert client.submit(package_of_worker, 1).result(60) == ("waterspout.ioloop", 2)
            squares = client.map(lambda x: x * x, range(10))
            assert client.submit(sum, squares).result(60) == 285
